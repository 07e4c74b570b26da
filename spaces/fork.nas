// Where do the tasks leave the trunk? A trunk of n layers that all tasks share up to `leave[t]`; from there on each
// task has layers of its own, with the operators of the trunk. The space is ours: people fork multi-task networks by
// hand.
space fork(C = 32, n = 8, first = 2, classes = 19, H = 512, W = 1024) {
  input image: [3, H, W]
  tasks = {"semantic", "center", "offset"}

  for t in tasks { depth leave[t] in first..=n }       // leave[t] = n: the task owns nothing but its head
  s[0] = image >> conv_bn_relu(C, k = 3, stride = 2) >> conv_bn_relu(C, k = 3, stride = 2)
  for i in 1..=n {
    tied block layer[i](x) {                           // one operator at each depth; without `tied` each copy chooses
      choose op in { conv: conv_bn_relu(k = 3), sep3: sep_conv(k = 3), sep5: sep_conv(k = 5) }
      return sum(x, x >> op())
    }
    s[i] = layer[i](s[i-1])
    for t in tasks when i > first { own[t, i] = layer[i](s[i-1] if leave[t] >= i - 1 else own[t, i-1]) }
  }
  for t in tasks { y[t] = s[n] if leave[t] == n else own[t, n] }
  block out(x, k) = x >> dw_sep_conv(C, k = 5) >> conv(k, k = 1, bias = true) >> resize_like(image)

  task semantic = y["semantic"] >> out(classes) {
    loss bootstrapped_cross_entropy(top = 0.2)
    metric miou
  }
  task center = y["center"] >> out(1) {
    loss mse()
    weight 200
  }
  task offset = y["offset"] >> out(2) {
    loss l1()
    weight 0.01
  }
  require leave["center"] == leave["offset"]           // both describe instances
  require latency(ort_cpu) <= 100 ms

  preset demo(C = 16, n = 4, first = 1, classes = 9, H = 96, W = 192) { require latency(ort_cpu) <= 0.8 ms }
}
